#!/usr/bin/env bash
# Which loss for F1 and for precision? The baselines and every relaxation of F1, ten seeds each, on one data set.
# 110 runs: about 20 seconds on two cores. Words are passed on: scripts/compare_losses.sh dataset=digits
set -euo pipefail
losses=bce,focal,soft_f1,any_f1,heaviside_f1,sol_f1,straight_through_f1,soft_precision,soft_recall,soft_mcc,soft_jaccard
surrogate-bench -m loss=$losses 'seed=range(10)' experiment=compare_losses "$@"
