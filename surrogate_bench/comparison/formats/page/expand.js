// Runs come as columns, with the values that many share once; here they are objects again.
function expanded({ count, columns, words }) {
  const rows = Array.from({ length: count }, () => ({}));
  for (const [field, { value = null, values, index }] of Object.entries(columns)) {
    rows.forEach((row, i) => { row[field] = values ? values[index ? index[i] : i] : value; });
  }
  const pieces = words.map((text) => text.split('\u0000'));
  const told = ([place, own = '']) => { const filling = own.split(' '); return pieces[place].reduce((text, piece, i) => text + filling[i - 1] + piece); };
  for (const row of rows) {
    row.id = told(row.id);
    row.alarms = row.alarms.map((alarm) => { const text = told(alarm), end = text.indexOf(': '); return { name: text.slice(0, end), message: text.slice(end + 2) }; });
    // These are read of the few runs that somebody opens.
    const { points, command, replay } = row;
    row.points = () => (points || []).map(told);
    row.command = command && (() => command.map((i) => words[i]).join(' ').replace('\u0000', replay));
  }
  return rows;
}
