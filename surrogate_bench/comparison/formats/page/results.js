// The table of results, with the choice of what its cells show.
function results() {
  if (data.asked && !data.views.means) return null;
  const rows = data.tables.flatMap((table, block) => table.lines.map((line) => ({ ...line, block })));
  const goal = data.columns[data.goal];
  // Each data set has its own scale: beside one of few rows, the intervals of another would be dots.
  const reach = data.tables.map((table) => Math.max(1e-9, ...table.lines.flatMap(({ cells }) => [cells[data.goal].diff, cells[data.goal].dlow, cells[data.goal].dhigh].filter(known).map(Math.abs))));
  const offered = [['std', 'mean ± deviation'], ['interval', '95 % interval'], ['diff', `difference to ${data.baseline}`]];
  let view = offered.some(([own]) => own === chosen.get('results.view')) ? chosen.get('results.view') : 'std';
  const value = { std: (c) => c.mean, interval: (c) => c.mean, diff: (c) => c.diff };
  const show = {
    std: (c) => [known(c.std) && ` ± ${fixed(c.std)}`, fixed(c.mean)],
    interval: (c) => [known(c.low) && ` [${fixed(c.low)}, ${fixed(c.high)}]`, fixed(c.mean)],
    diff: (c) => [known(c.holm) && ` p ${c.holm < 0.001 ? '< .001' : fixed(c.holm)}`, signed(c.diff)],
  };
  const cell = (own, n) => {
    if (own.text) return el('span', null, own.text);
    const [spread, main] = show[view](own);
    const fewer = own.n !== n ? ` (n = ${own.n})` : '';
    return el('span', null, own.best ? el('b', null, main) : main, el('span', { class: 'quiet' }, (spread || '') + fewer));
  };
  const several = data.tables.length > 1;
  const columns = [
    { title: data.rows, value: (r) => r.label, name: true },
    several && { title: 'data set', value: (r) => data.tables[r.block].dataset, stick: true },
    several && { title: 'model', value: (r) => data.tables[r.block].model },
    { title: 'n', value: (r) => r.n, number: true },
    { title: `difference to ${data.baseline}`, group: `${goal.about} ${goal.view}`, value: (r) => r.cells[data.goal].diff, number: true, low: goal.low,
      show: (r) => { const c = r.cells[data.goal]; return known(c.diff) ? el('span', null, signed(c.diff), interval(c, reach[r.block], known(c.holm) && c.holm < 0.05)) : '–'; } },
    { title: 'p (Holm)', group: `${goal.about} ${goal.view}`, value: (r) => r.cells[data.goal].holm, number: true, low: true, show: (r) => fixed(r.cells[data.goal].holm) },
    ...data.columns.map((own, i) => ({ title: own.view || own.about, group: own.view && own.about, low: own.low, number: true,
      value: (r) => value[view](r.cells[i]), show: (r) => cell(r.cells[i], r.n) })),
    rows.some((r) => known(r.time)) && { title: 'µs a batch', group: 'loss time', value: (r) => r.time, number: true, low: true, show: (r) => short(r.time) },
    rows.some((r) => r.family) && { title: 'family', value: (r) => r.family },
    rows.some((r) => r.diverged) && { title: 'diverged', value: (r) => r.diverged, number: true },
    rows.some((r) => r.failed) && { title: 'failed', value: (r) => r.failed, number: true },
    rows.some((r) => r.alarms.length) && { title: 'alarms', value: (r) => r.alarms.join(', '), text: true },
  ].filter(Boolean);
  const table = sortableTable('Results', columns, rows);
  const views = choice('What cells show', offered, (own) => { view = own; keep('results.view', own !== 'std' && own); table.update(true); }, view);
  const notes = distinct(data.tables.map((own) => own.note).filter(known)).map((note) => el('p', { class: 'note' }, note));
  const tools = filters(rows, table, (r) => `${r.label} ${nameOf(r.block)} ${r.family} ${r.alarms.join(' ')}`);
  tools.append(views);
  return said('Results', `${data.legend} Differences are paired by seed; their bars have a scale for each data set. ${data.tests} p (Holm): among the rows of one data set.`, tools, table.box, ...notes);
}
