// A table that sorts by every column (stable, numbers as numbers, what is missing last in both directions), and its filters.
// A column is {title, group, value(row), show(row), number, name, text}; `detail(row)` is what a row opens to.
const collator = new Intl.Collator('en', { numeric: true });

function compared(a, b, down) {
  if (!known(a) || !known(b)) return known(b) - known(a);
  const order = typeof a === 'number' && typeof b === 'number' ? a - b : collator.compare(String(a), String(b));
  return down ? -order : order;
}

function sortableTable(caption, columns, rows, detail) {
  const state = { column: null, down: false, keep: () => true };
  const body = el('tbody');
  const made = new Map();
  const heads = columns.map((column) => {
    const button = el('button', { type: 'button', title: `Sort by ${column.group || ''} ${column.title}` }, column.title);
    button.addEventListener('click', () => {
      state.down = state.column === column ? !state.down : Boolean(column.number) && !column.low;
      state.column = column;
      update();
    });
    return el('th', { scope: 'col', class: column.number ? 'number' : null }, button);
  });
  const line = (row) => {
    const cells = columns.map((column) => {
      const kind = [column.number && 'number', column.name && 'name', column.text && 'text', column.kind && column.kind(row)].filter(Boolean).join(' ');
      return el('td', { class: kind || null }, column.show ? column.show(row) : known(column.value(row)) ? String(column.value(row)) : '');
    });
    const own = el('tr', { class: row.baseline ? 'baseline' : null }, ...cells);
    return detail ? opening(own, cells[0], row) : [own];
  };
  const opening = (own, cell, row) => {
    const below = el('tr', { class: 'detail', hidden: '' });
    const button = el('button', { type: 'button', class: 'open-row', 'aria-expanded': 'false' }, ...cell.childNodes);
    button.addEventListener('click', () => {
      if (!below.firstChild) below.append(el('td', { colspan: columns.length }, detail(row)));
      below.hidden = !below.hidden;
      button.setAttribute('aria-expanded', String(!below.hidden));
    });
    cell.append(button);
    return [own, below];
  };
  const update = (redraw) => {
    if (redraw) made.clear();
    const kept = rows.filter(state.keep);
    const { column, down } = state;
    if (column) {
      const keyed = kept.map((row) => [column.value(row), row]);
      kept.splice(0, kept.length, ...keyed.sort((a, b) => compared(a[0], b[0], down)).map(([, row]) => row));
    }
    columns.forEach((own, i) => {
      if (own === column) heads[i].setAttribute('aria-sort', down ? 'descending' : 'ascending');
      else heads[i].removeAttribute('aria-sort');
    });
    for (const row of kept) if (!made.has(row)) made.set(row, line(row));
    body.replaceChildren(...kept.flatMap((row) => made.get(row)));
    return kept.length;
  };
  const table = el('table', null, el('caption', null, caption), el('thead', null, groups(columns), el('tr', null, ...heads)), body);
  const box = el('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': caption }, table);
  update();
  return { box, update, filter: (keep) => { state.keep = keep; return update(); } };
}

function groups(columns) {
  if (!columns.some((column) => column.group)) return null;
  const row = el('tr');
  for (let i = 0; i < columns.length;) {
    const { group } = columns[i];
    let width = 1;
    while (group && i + width < columns.length && columns[i + width].group === group) width += 1;
    row.append(el('th', { colspan: width, class: columns[i].number ? 'number' : null, scope: group ? 'colgroup' : null }, group || ''));
    i += width;
  }
  return row;
}

// What a wide table must shrink by to fit a sheet of A4 in landscape: 1,000 of its pixels hold what on the screen, in
// larger type, takes 1,360.
function fitToPaper() {
  for (const table of document.querySelectorAll('.scroll table')) {
    table.style.width = 'max-content';
    table.style.setProperty('--fit', String(Math.min(1, 1360 / Math.max(1, table.offsetWidth))));
    table.style.width = '';
  }
}

function filters(rows, table, words) {
  const wanted = { text: '', block: '', family: '' };
  const count = el('span', { class: 'count', role: 'status' });
  const texts = new Map(rows.map((row) => [row, words(row).toLowerCase()]));
  const apply = () => {
    const parts = wanted.text.toLowerCase().split(/\s+/).filter(Boolean);
    const shown = table.filter((row) => parts.every((part) => texts.get(row).includes(part)) &&
      (!wanted.block || String(row.block) === wanted.block) && (!wanted.family || row.family === wanted.family));
    count.textContent = shown === rows.length ? plural(shown, 'row') : `${shown} of ${rows.length} rows`;
  };
  const set = (key) => (value) => { wanted[key] = value; apply(); };
  const input = el('input', { type: 'search', placeholder: 'Filter', 'aria-label': 'Filter rows', oninput: () => set('text')(input.value) });
  const families = distinct(rows.map((row) => row.family).filter(known)).sort();
  const tools = el('div', { class: 'tools' }, input);
  if (data.tables.length > 1) tools.append(select('Data set', [['', 'all data sets'], ...data.tables.map((_, i) => [String(i), nameOf(i)])], set('block')));
  if (families.length > 1) tools.append(select('Family', [['', 'all families'], ...families.map((own) => [own, own])], set('family')));
  tools.append(count);
  apply();
  return tools;
}
