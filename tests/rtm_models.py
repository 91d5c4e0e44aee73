"""ONNX models with the inputs and outputs of YOLOX, RTMPose and RTMO.

They see what is red. So what they must find in a frame can be said without a
model, and a mix-up of red and blue is seen.
"""

import onnx
import onnx.parser

HEAD = """
<ir_version: 8, opset_import: ["": 17]>
red (float[N, 3, HEIGHT, WIDTH] image) => (OUTPUTS)
<int64 channel = {CHANNEL}, float least = {LEAST}, float tiny = {1e-6},
 float half = {0.5}, float two = {2.0}, int64 zero = {0}, int64 one = {1},
 int64[1] first = {0}, int64[1] middle = {1}, int64[1] last = {2},
 int64[1] fourth = {3}, float width = {WIDTH.0}, float height = {HEIGHT.0},
 int64 columns = {WIDTH}, int64 rows = {HEIGHT}CONSTANTS>
{
  light = Gather<axis = 1>(image, channel)
  bright = Greater(light, least)
  there = Cast<to = 1>(bright)
  at_column = ReduceMax<axes = [1], keepdims = 0>(there)
  at_row = ReduceMax<axes = [2], keepdims = 0>(there)
  any = ReduceMax<axes = [1], keepdims = 1>(at_row)
  i = Range(zero, columns, one)
  j = Range(zero, rows, one)
  column = Cast<to = 1>(i)
  row = Cast<to = 1>(j)
  column_sum = ReduceSum(at_column, middle)
  row_sum = ReduceSum(at_row, middle)
  column_weight = Mul(at_column, column)
  row_weight = Mul(at_row, row)
  column_total = ReduceSum(column_weight, middle)
  row_total = ReduceSum(row_weight, middle)
  column_number = Max(column_sum, tiny)
  row_number = Max(row_sum, tiny)
  x = Div(column_total, column_number)
  y = Div(row_total, row_number)
"""
# from the middle of the red to the edges of its box
BOX = """
  half_width = Mul(column_sum, half)
  half_height = Mul(row_sum, half)
  x_edge = Add(x, half)
  y_edge = Add(y, half)
  left = Sub(x_edge, half_width)
  top = Sub(y_edge, half_height)
  right = Add(x_edge, half_width)
  bottom = Add(y_edge, half_height)
  score = Mul(any, sure)
  box = Concat<axis = 1>(left, top, right, bottom, score)
  less = Mul(any, unsure)
  again = Concat<axis = 1>(left, top, right, bottom, less)
"""
# its box; a car, over everything; nothing, as padding
DETECTOR = """
  person = Unsqueeze(box, middle)
  boxes = Concat<axis = 1>(car, person, nothing)
  dets = Identity(boxes)
  labels = Identity(kinds)
}
"""
POSE = """
  x_twice = Mul(x, two)
  y_twice = Mul(y, two)
  x_bin = Round(x_twice)
  y_bin = Round(y_twice)
  columns_twice = Add(columns, columns)
  rows_twice = Add(rows, rows)
  p = Range(zero, columns_twice, one)
  q = Range(zero, rows_twice, one)
  x_bins = Cast<to = 1>(p)
  y_bins = Cast<to = 1>(q)
  x_same = Equal(x_bins, x_bin)
  y_same = Equal(y_bins, y_bin)
  x_peak = Cast<to = 1>(x_same)
  y_peak = Cast<to = 1>(y_same)
  x_line = Mul(x_peak, sure)
  y_line = Mul(y_peak, unsure)
  x_one = Unsqueeze(x_line, middle)
  y_one = Unsqueeze(y_line, middle)
  simcc_x = Tile(x_one, repeats)
  simcc_y = Tile(y_one, repeats)
}
"""
# a worse box in the same place, and the better one
ONE_STAGE = """
  worse = Unsqueeze(again, middle)
  better = Unsqueeze(box, middle)
  dets = Concat<axis = 1>(worse, better)
  point = Concat<axis = 1>(x, y, score)
  other = Concat<axis = 1>(y, x, less)
  point_4 = Unsqueeze(point, places)
  other_4 = Unsqueeze(other, places)
  both = Concat<axis = 1>(other_4, point_4)
  keypoints = Tile(both, repeats)
}
"""


def _write(path, size, outputs, channel, least, constants, body):
    program = HEAD + body
    for name, value in dict(
        OUTPUTS=outputs,
        CHANNEL=channel,
        LEAST=least,
        CONSTANTS=constants,
        HEIGHT=size[0],
        WIDTH=size[1],
    ).items():
        program = program.replace(name, str(value))
    model = onnx.parser.parse_model(program)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return str(path)


def write_detector(path, size=(80, 80)):
    """Write a YOLOX with non-maximum suppression inside.

    It takes BGR, 0 to 255, and finds the box of what is red, with score 0.75;
    and always a car with 0.9.

    Args:
        path: the .onnx file.
        size: (height, width) of its picture.
    """
    car = f'0, 0, {size[1]}, {size[0]}, 0.9'
    return _write(
        path, size, 'float[1, 3, 5] dets, int64[1, 3] labels', 2, 200.0,
        f', float sure = {{0.75}}, float unsure = {{0.5}}, '
        f'float[1, 1, 5] car = {{{car}}}, '
        f'float[1, 1, 5] nothing = {{0, 0, 0, 0, 0}}, '
        f'int64[1, 3] kinds = {{2, 0, 0}}',
        BOX + DETECTOR,
    )  # fmt: skip


def write_pose_model(path, size=(50, 40), keypoints=17):
    """Write an RTMPose: all keypoints at the middle of what is red.

    It takes RGB, normalized. The scores of x and y are 0.75 and 0.25.
    """
    return _write(
        path, size,
        f'float[N, {keypoints}, {2 * size[1]}] simcc_x, '
        f'float[N, {keypoints}, {2 * size[0]}] simcc_y', 0, 1.0,
        f', float sure = {{0.75}}, float unsure = {{0.25}}, '
        f'int64[3] repeats = {{1, {keypoints}, 1}}',
        POSE,
    )  # fmt: skip


def write_one_stage(path, size=(80, 80), keypoints=17):
    """Write an RTMO: it takes BGR, 0 to 255, and finds what is red, twice in
    one place: with score 0.5, x and y exchanged, and with 0.75."""
    return _write(
        path, size,
        f'float[1, 2, 5] dets, float[1, 2, {keypoints}, 3] keypoints',
        2, 200.0,
        f', float sure = {{0.75}}, float unsure = {{0.5}}, '
        f'int64[2] places = {{1, 2}}, '
        f'int64[4] repeats = {{1, 1, {keypoints}, 1}}',
        BOX + ONE_STAGE,
    )  # fmt: skip
