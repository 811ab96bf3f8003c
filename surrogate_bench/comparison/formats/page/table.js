// A table that sorts by every column (stable, numbers as numbers, what is missing last in both directions), and its filters.
// A column is {title, group, value(row), show(row), number, name, text}; `detail(row)` is what a row opens to.
const collator = new Intl.Collator('en', { numeric: true });

function compared(a, b, down) {
  if (!known(a) || !known(b)) return known(b) - known(a);
  const order = typeof a === 'number' && typeof b === 'number' ? a - b : collator.compare(String(a), String(b));
  return down ? -order : order;
}

// So many rows are drawn at once, and as many more each time that a reader comes to their end.
const CHUNK = 200, ON_PAPER = 1000;

function sortableTable(caption, columns, rows, detail) {
  const key = slug(caption);
  const sorted = columns.find((own) => heading(own) === chosen.get(`${key}.sort`));
  const state = { column: sorted || null, down: chosen.get(`${key}.down`) === '1', keep: () => true, kept: rows, drawn: 0 };
  const body = el('tbody');
  const made = new Map();
  const heads = columns.map((column) => {
    const button = el('button', { type: 'button', title: `Sort by ${column.group || ''} ${column.title}` }, column.title);
    button.addEventListener('click', () => {
      state.down = state.column === column ? !state.down : Boolean(column.number) && !column.low;
      state.column = column;
      keep(`${key}.sort`, heading(column));
      keep(`${key}.down`, state.down && '1');
      update();
    });
    return el('th', { scope: 'col', class: [column.number && 'number', column.name && 'name', column.stick && 'stick'].filter(Boolean).join(' ') || null }, button);
  });
  const line = (row) => {
    const cells = columns.map((column) => {
      const kind = [column.number && 'number', column.name && 'name', column.text && 'text', column.stick && 'stick', column.kind && column.kind(row)].filter(Boolean).join(' ');
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
    state.kept = kept;
    state.drawn = 0;
    body.replaceChildren();
    more(CHUNK);
    return kept.length;
  };
  const end = el('div', { class: 'end' });
  const more = (most) => {
    const next = state.kept.slice(state.drawn, state.drawn + most);
    for (const row of next) if (!made.has(row)) made.set(row, line(row));
    body.append(...next.flatMap((row) => made.get(row)));
    state.drawn += next.length;
    end.hidden = state.drawn >= state.kept.length;
  };
  const table = el('table', null, el('caption', null, caption), el('thead', null, groups(columns), el('tr', null, ...heads)), body);
  table.setAttribute('aria-rowcount', String(rows.length + 1));
  const box = el('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': caption }, table, end);
  new IntersectionObserver((seen) => seen.some((own) => own.isIntersecting) && more(CHUNK), { root: box, rootMargin: '600px' }).observe(end);
  addEventListener('beforeprint', () => more(Math.max(0, ON_PAPER - state.drawn)));
  // The second column stands still behind the first one, whose width is known once it is drawn.
  new ResizeObserver(() => table.style.setProperty('--stick', `${heads[0].offsetWidth}px`)).observe(heads[0]);
  update();
  const files = exports(caption, columns, () => state.kept);
  return { box, update, files, filter: (own) => { state.keep = own; return update(); } };
}

function groups(columns) {
  if (!columns.some((column) => column.group)) return null;
  const row = el('tr');
  for (let i = 0; i < columns.length;) {
    const { group } = columns[i];
    let width = 1;
    while (group && i + width < columns.length && columns[i + width].group === group) width += 1;
    row.append(el(group ? 'th' : 'td', { colspan: width, class: columns[i].number ? 'number' : null, scope: group ? 'colgroup' : null }, group || ''));
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
  const key = slug(table.box.getAttribute('aria-label'));
  const wanted = Object.fromEntries(['text', 'block', 'family'].map((own) => [own, chosen.get(`${key}.${own}`) || '']));
  const count = el('span', { class: 'count', role: 'status' });
  const texts = new Map();
  const text = (row) => {
    if (!texts.has(row)) texts.set(row, words(row).toLowerCase());
    return texts.get(row);
  };
  const apply = () => {
    const parts = wanted.text.toLowerCase().split(/\s+/).filter(Boolean);
    const shown = table.filter((row) => parts.every((part) => text(row).includes(part)) &&
      (!wanted.block || String(row.block) === wanted.block) && (!wanted.family || row.family === wanted.family));
    count.textContent = shown === rows.length ? plural(shown, 'row') : `${shown} of ${rows.length} rows`;
  };
  const set = (own) => (value) => { wanted[own] = value; keep(`${key}.${own}`, value); apply(); };
  const input = el('input', { type: 'search', value: wanted.text, placeholder: 'Filter', 'aria-label': 'Filter rows', oninput: () => set('text')(input.value) });
  const families = distinct(rows.map((row) => row.family).filter(known)).sort();
  const tools = el('div', { class: 'tools' }, input);
  if (data.tables.length > 1) tools.append(select('Data set', [['', 'all data sets'], ...data.tables.map((_, i) => [String(i), nameOf(i)])], set('block'), wanted.block));
  if (families.length > 1) tools.append(select('Family', [['', 'all families'], ...families.map((own) => [own, own])], set('family'), wanted.family));
  tools.append(count, table.files);
  apply();
  return tools;
}
