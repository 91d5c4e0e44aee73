#!/usr/bin/env bash
# What a GPU does, checked and measured by one command, in eight minutes:
#
#     bash benchmarks/gpu.sh [WHEELS] >benchmarks/RESULTS-gpu.md
#
# from a checkout, on a machine with Python and torch. WHEELS is a folder of
# wheels, for one without a network. PEAK are the card's TFLOPS of bfloat16,
# PYTHON an interpreter that has all packages. Without a GPU it runs on the CPU
# as far as it goes. Progress goes to stderr.
set -uo pipefail
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
python=${PYTHON:-$scratch/venv/bin/python}
if [ -z "${PYTHON:-}" ]; then
  {
    python3 -m venv --system-site-packages "$scratch/venv" &&
      "$python" -m pip install -q ${1:+--no-index --find-links "$1"} \
        '.[lite,lite0]' pytest pytest-timeout hypothesis
  } >&2 || exit 1
fi
device=$("$python" -c 'import torch; print("cuda" if torch.cuda.is_available() else "cpu")')
rounds=$([ "$device" = cuda ] && echo 5 || echo 1)
export INTEGRAL_ACTION_DEVICE=$device PYTHONWARNINGS=ignore
export PYTHONPATH=$PWD

section() {  # TITLE SECONDS COMMAND...: what it prints, or that it failed
  local title=$1 seconds=$2 status
  shift 2
  echo "$title ..." >&2
  printf '\n## %s\n\n' "$title"
  timeout "$seconds" "$@" 2>"$scratch/errors" | grep -v ' - mmengine - '
  status=${PIPESTATUS[0]}
  if [ "$status" != 0 ]; then
    printf 'failed with status %s:\n\n' "$status"
    tail -5 "$scratch/errors" | sed 's/^/    /'
  fi
}

echo "# On a GPU"
echo
"$python" - <<'EOF'
import torch
name = torch.cuda.get_device_name() if torch.cuda.is_available() else 'no GPU'
print(f'{name}, torch {torch.__version__}; `bash benchmarks/gpu.sh`.')
EOF
section 'Tests' 150 "$python" -m pytest -q -p no:cacheprovider \
  tests/test_end_to_end/test_gpu.py --durations=0
section 'Pose maps and network' 150 "$python" benchmarks/inference.py \
  --device "$device" --rounds "$rounds" ${PEAK:+--peak $PEAK} \
  $([ "$device" = cuda ] && echo --compile)
[ "$device" = cuda ] && section 'Other models' 120 "$python" \
  benchmarks/peers.py --device cuda --rounds 3
section 'An epoch, and one process of torchrun' 120 "$python" \
  benchmarks/epoch_share.py
