// Runs come as columns, with the values that many share once; here they are objects again.
function expanded({ count, columns, words }) {
  const rows = Array.from({ length: count }, () => ({}));
  for (const [field, { value = null, values, index }] of Object.entries(columns)) {
    rows.forEach((row, i) => { row[field] = values ? values[index ? index[i] : i] : value; });
  }
  const told = ([place, own = '']) => { const filling = own.split(' '); return words[place].replaceAll('\u0000', () => filling.shift()); };
  for (const row of rows) {
    row.id = told(row.id);
    row.points = (row.points || []).map(told);
    row.alarms = row.alarms.map((alarm) => { const [name, ...rest] = told(alarm).split(': '); return { name, message: rest.join(': ') }; });
  }
  for (const row of rows) if (row.command) row.command = row.command.map((i) => words[i]).join(' ').replace('\u0000', row.replay);
  return rows;
}
