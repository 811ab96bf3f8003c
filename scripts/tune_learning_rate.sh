#!/usr/bin/env bash
# Equal budgets: every loss gets the same six learning rates, and validation picks one for each loss and seed.
# 120 runs: about 20 seconds on two cores. Words are passed on: scripts/tune_learning_rate.sh dataset=digits
set -euo pipefail
surrogate-bench -m loss=bce,soft_precision,soft_f1,soft_mcc optimizer.lr=0.0003,0.001,0.003,0.01,0.03,0.1 \
    'seed=range(5)' experiment=tune_learning_rate "$@"
