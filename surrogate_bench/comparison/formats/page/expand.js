// Runs come as columns, with the values that many share once; here they are objects again.
function expanded({ count, columns }) {
  const rows = Array.from({ length: count }, () => ({}));
  for (const [field, own] of Object.entries(columns)) {
    const { values, index } = own;
    rows.forEach((row, i) => { row[field] = index ? values[index[i]] : values[i]; });
  }
  for (const row of rows) if (row.command) row.command = row.command.replace('\u0000', row.replay);
  return rows;
}
