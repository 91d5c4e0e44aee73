"""An ONNX model with the inputs and outputs of MoveNet multipose.

It finds one person, at all keypoints where the light is: the brightness'
centre, with score 0.9; in a black picture nobody. So what it must find in a
frame can be said without a model.
"""

import onnx
import onnx.parser

PROGRAM = """
<ir_version: 8, opset_import: ["": 17]>
spot (TYPE[BATCH, HEIGHT, WIDTH, 3] image) => (float[BATCH, 6, 56] persons)
<int64 first = {0}, int64 one = {1}, int64 two = {2},
 int64[1] axis1 = {1}, int64[1] axis2 = {2}, int64[1] axis3 = {3},
 float half = {0.5}, float some = {1}, float most = {0.9}, float tiny = {1e-6},
 float[1, 6, 1] only = {0, 1, 0, 0, 0, 0}>
{
  light = Cast<to = 1>(image)
  grey = ReduceSum<keepdims = 0>(light, axis3)
  columns = ReduceSum<keepdims = 0>(grey, axis1)
  rows = ReduceSum<keepdims = 0>(grey, axis2)
  total = ReduceSum(rows, axis1)
  not_zero = Add(total, tiny)
  shape = Shape(image)
  h = Gather(shape, one)
  w = Gather(shape, two)
  i = Range(first, h, one)
  j = Range(first, w, one)
  height = Cast<to = 1>(h)
  width = Cast<to = 1>(w)
  row = Cast<to = 1>(i)
  column = Cast<to = 1>(j)
  row_centre = Add(row, half)
  column_centre = Add(column, half)
  down = Div(row_centre, height)
  right = Div(column_centre, width)
  weighted_rows = Mul(rows, down)
  weighted_columns = Mul(columns, right)
  y_sum = ReduceSum(weighted_rows, axis1)
  x_sum = ReduceSum(weighted_columns, axis1)
  y = Div(y_sum, not_zero)
  x = Div(x_sum, not_zero)
  bright = Greater(total, some)
  there = Cast<to = 1>(bright)
  s = Mul(there, most)
  person = Concat<axis = 1>(POINTS y, x, y, x, s)
  alone = Unsqueeze(person, axis1)
  persons = Mul(alone, only)
}
"""


def write_spot_model(path, batch=1, size=('H', 'W'), dtype='int32'):
    """Write the model.

    Args:
        path: the .onnx file.
        batch: 1, or a name where it is free.
        size: height and width, names where they are free.
        dtype: of the picture.
    """
    program = PROGRAM.replace('TYPE', dtype).replace('BATCH', str(batch))
    program = program.replace('HEIGHT', str(size[0]))
    program = program.replace('WIDTH', str(size[1]))
    program = program.replace('POINTS', 'y, x, s, ' * 17)
    model = onnx.parser.parse_model(program)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return str(path)
