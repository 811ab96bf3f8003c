// Training curves, metric by threshold, precision by recall and ROC of each data set.
function curves() {
  const blocks = data.tables.map((table, block) => {
    const own = data.curves.blocks[block];
    const has = own.some((row) => row && (row.pr || row.training.epochs));
    return has && (() => drawer(nameOf(block), () => curvesOf(table, own)));
  }).filter(Boolean).map((make) => make());
  if (!blocks.length) return null;
  blocks[0].open = true;
  const left = data.curves.blocks.flat().filter((row) => !row).length;
  return said('Curves', `Means over the seeds of the runs behind the table, a band of one standard deviation around them. Precision–recall, ROC and thresholds are on the test part, evaluated exactly at ${data.points} points, one every three pixels; vertical lines are 0.5 and the thresholds tuned on validation, the other straight lines chance; training curves are on validation${left ? `. Only the first ${data.mostCurves} rows have their curves here: ${left} are left out` : ''}.`, ...blocks);
}

function curvesOf(table, rows) {
  const order = table.lines.map((line, i) => i).filter((i) => rows[i] && (rows[i].pr || rows[i].training.epochs));
  const low = data.columns[data.goal].low ? 1 : -1;
  const ranked = [...order].sort((a, b) => table.lines[b].baseline - table.lines[a].baseline || low * (table.lines[a].cells[data.goal].mean - table.lines[b].cells[data.goal].mean));
  const shown = new Set(ranked.slice(0, 6));
  // A row has one colour on the whole page, the baseline the first.
  const kind = new Map(ranked.map((i) => [i, data.order.indexOf(table.lines[i].label)]));
  const grid = Array.from({ length: data.points }, (_, i) => Number((i / (data.points - 1)).toFixed(6)));
  const parts = (list) => list && list.map((v) => (v === null ? null : v / 1000));
  const line = (i, curve, x, soft) => curve && { name: table.lines[i].label, kind: kind.get(i), x, y: parts(curve.mean), std: soft ? null : parts(curve.std), soft };
  let metric = data.curves.metrics[0];
  const charts = el('div', { class: 'charts' });
  const redraw = () => {
    const on = ranked.filter((i) => shown.has(i));
    const of = (get) => on.map(get).filter(Boolean);
    const training = on.flatMap((i) => {
      const own = rows[i].training.metrics && rows[i].training.metrics[metric.name];
      return own ? [line(i, own.hard, rows[i].training.epochs), line(i, own.soft, rows[i].training.epochs, true)].filter(Boolean) : [];
    });
    const { positive, total } = table.examples.test || {};
    const prevalence = known(positive) && total ? [{ x: [0, 1], y: [positive / total, positive / total], title: `prevalence ${fixed(positive / total)}` }] : [];
    const diagonal = [{ x: [0, 1], y: [0, 1], title: 'chance' }];
    const cuts = [{ x: [0.5, 0.5], title: 'threshold 0.5' }, ...on.filter((i) => known(table.lines[i].threshold)).map((i) => {
      const own = table.lines[i];
      return { x: [own.threshold, own.threshold], title: `${own.label}: tuned on validation, ${fixed(own.threshold)}`, kind: kind.get(i) };
    })];
    const byThreshold = (i, x) => rows[i].threshold && rows[i].threshold[metric.name] && line(i, rows[i].threshold[metric.name], x);
    const thresholds = of((i) => !rows[i].scores && byThreshold(i, grid));
    // Scores that no probability tells apart have a scale of their own, and so a chart.
    const scores = of((i) => rows[i].scores && byThreshold(i, grid.map((x) => rows[i].scores[0] + x * (rows[i].scores[1] - rows[i].scores[0]))));
    const last = Math.max(2, ...training.map((own) => own.x[own.x.length - 1]));
    const has = rows.some((row) => row && row.pr);
    charts.replaceChildren(...[
      training.length && chart({ title: `${metric.spoken} in training`, xTitle: 'epoch (hard solid, soft dashed)', yTitle: metric.spoken, lines: training, x: [1, last], whole: true }),
      thresholds.length && chart({ title: `${metric.spoken} by threshold`, xTitle: 'threshold', yTitle: metric.spoken, lines: thresholds, x: [0, 1], marks: cuts }),
      ...scores.map((own) => chart({ title: `${metric.spoken} by threshold on the score: ${own.name}`, xTitle: 'score', yTitle: metric.spoken, lines: [own], x: [own.x[0], own.x[own.x.length - 1]] })),
      has && chart({ title: 'Precision by recall', xTitle: 'recall', yTitle: 'precision', lines: of((i) => line(i, rows[i].pr, grid)), x: [0, 1], marks: prevalence }),
      has && chart({ title: 'ROC', xTitle: 'false positive rate', yTitle: 'true positive rate', lines: of((i) => line(i, rows[i].roc, grid)), x: [0, 1], marks: diagonal }),
    ].filter(Boolean));
  };
  const keys = ranked.map((i) => {
    const dash = DASHES[Math.floor(kind.get(i) / 7) % DASHES.length];
    const sign = draw('svg', { width: 20, height: 8, class: `c${kind.get(i) % 7}`, 'aria-hidden': 'true' }, draw('line', { x1: 0, x2: 20, y1: 4, y2: 4, 'stroke-dasharray': dash }));
    const button = el('button', { type: 'button', 'aria-pressed': String(shown.has(i)), onclick: () => {
      if (!shown.delete(i)) shown.add(i);
      button.setAttribute('aria-pressed', String(shown.has(i)));
      redraw();
    } }, sign, table.lines[i].label);
    return button;
  });
  const pick = select('Metric of the curves', data.curves.metrics.map((own, i) => [String(i), own.spoken]), (i) => { metric = data.curves.metrics[Number(i)]; redraw(); });
  redraw();
  return el('div', null, el('div', { class: 'tools' }, pick), el('div', { class: 'legend' }, ...keys), charts);
}
