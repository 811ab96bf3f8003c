#!/usr/bin/env bash
# What imbalance does to each loss: the share of positives in training falls from a half to one in a hundred, while
# validation and test stay as they are. A table a share, with BCE and class-weighted BCE as baselines.
# 150 runs: about 45 seconds on two cores. Words are passed on: scripts/imbalance.sh dataset=digits
set -euo pipefail
output=outputs experiment=imbalance
for word; do case $word in output=*) output=${word#*=} ;; experiment=*) experiment=${word#*=} ;; esac; done
shares=0.5,0.2,0.1,0.05,0.02,0.01
sweep=(dataset.imratio=$shares 'seed=range(5)' experiment=$experiment "$@")
surrogate-bench -m loss=soft_precision,soft_f1,soft_mcc "${sweep[@]}"
surrogate-bench -m loss=bce loss.pos_weight=null,balanced "${sweep[@]}"
surrogate-bench compare "$output/$experiment" --rows loss,loss.pos_weight --metrics f1,recall,average_precision
