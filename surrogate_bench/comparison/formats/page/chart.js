// One small line chart: lines are {name, kind, x: [...], y: [...], std: [...] or null, soft}, `kind` a colour and a dash.
const WIDTH = 300, HEIGHT = 210, LEFT = 32, RIGHT = 8, TOP = 8, BOTTOM = 34;
const DASHES = [null, '9 3', '2 3', '9 3 2 3'];

function ticks(low, high, most) {
  const rough = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((times) => times * power >= rough * 0.999);
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9; k += 1) found.push(Number((k * step).toPrecision(9)));
  return found;
}

function pieces(line, place) {
  // A point that is missing parts the line.
  let path = '', pen = false;
  line.x.forEach((x, i) => {
    if (!known(line.y[i])) { pen = false; return; }
    path += `${pen ? 'L' : 'M'}${place(x, line.y[i])}`;
    pen = true;
  });
  return path;
}

// `marks` are {x: [from, to], y: [from, to], title, kind}: what a curve is held against, as chance is.
function chart({ title, xTitle, yTitle, lines, x: [x0, x1], whole, marks = [] }) {
  const values = [...lines.flatMap((line) => line.y.filter(known)), ...marks.flatMap((own) => own.y || [])];
  // The axis begins at the tenth below the lowest value: curves that all lie at the top are told apart.
  const y1 = Math.max(1, ...values), y0 = Math.min(y1 - 0.1, Math.floor(Math.min(...values) * 10 + 1e-9) / 10);
  const px = (x) => LEFT + ((x - x0) / (x1 - x0 || 1)) * (WIDTH - LEFT - RIGHT);
  const py = (y) => HEIGHT - BOTTOM - ((y - y0) / (y1 - y0)) * (HEIGHT - TOP - BOTTOM);
  const place = (x, y) => `${px(x).toFixed(1)} ${py(Math.min(Math.max(y, y0), y1)).toFixed(1)}`;
  const figure = el('figure', { class: 'chart' }, el('h3', null, title));
  const label = `${title}: ${yTitle} by ${xTitle}, ${lines.map((line) => line.name).join(', ')}. Arrow keys read the values.`;
  const image = draw('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', tabindex: '0', 'aria-label': label }, draw('title', null, title));
  for (const y of ticks(y0, y1, 5)) {
    image.append(draw('line', { class: 'grid', x1: LEFT, x2: WIDTH - RIGHT, y1: py(y), y2: py(y) }),
      draw('text', { x: LEFT - 6, y: py(y) + 3.5, 'text-anchor': 'end' }, short(y)));
  }
  for (const x of ticks(x0, x1, 5).filter((own) => !whole || Number.isInteger(own))) image.append(draw('text', { x: px(x), y: HEIGHT - BOTTOM + 15, 'text-anchor': 'middle' }, short(x)));
  image.append(draw('text', { x: (LEFT + WIDTH - RIGHT) / 2, y: HEIGHT - 3, 'text-anchor': 'middle' }, xTitle));
  for (const { x, y = [y0, y1], title: told, kind } of marks) {
    image.append(draw('line', { class: `mark${kind === undefined ? '' : ` c${kind % 7}`}`, x1: px(x[0]), x2: px(x[1]), y1: py(y[0]), y2: py(y[1]) }, draw('title', null, told)));
  }
  for (const line of lines.filter((own) => own.std && lines.length <= 8)) {
    const at = line.x.map((_, i) => i).filter((i) => known(line.y[i]) && known(line.std[i]));
    const upper = at.map((i) => place(line.x[i], line.y[i] + line.std[i]));
    const lower = at.map((i) => place(line.x[i], line.y[i] - line.std[i])).reverse();
    if (at.length) image.append(draw('path', { class: `band c${line.kind % 7}`, d: `M${[...upper, ...lower].join('L')}Z` }));
  }
  for (const line of lines) {
    const dash = line.soft ? null : DASHES[Math.floor(line.kind / 7) % DASHES.length];
    image.append(draw('path', { class: `curve c${line.kind % 7}${line.soft ? ' soft' : ''}`, 'stroke-dasharray': dash, d: pieces(line, place) }));
  }
  figure.append(image);
  if (lines.length) reading(figure, image, { xTitle, lines, px, py, x0, x1 });
  return figure;
}

function reading(figure, image, { xTitle, lines, px, py, x0, x1 }) {
  const grid = lines.map((line) => line.x).reduce((a, b) => (b.length > a.length ? b : a));
  const cross = draw('line', { class: 'cross', y1: TOP, y2: HEIGHT - BOTTOM, visibility: 'hidden' });
  const dots = draw('g');
  const tip = el('div', { class: 'tip', hidden: '', role: 'status' });
  image.append(cross, dots);
  figure.append(tip);
  let at = -1;
  const leave = () => { at = -1; tip.hidden = true; cross.setAttribute('visibility', 'hidden'); dots.replaceChildren(); };
  const read = (i) => {
    at = Math.min(Math.max(i, 0), grid.length - 1);
    const x = grid[at];
    cross.setAttribute('x1', px(x));
    cross.setAttribute('x2', px(x));
    cross.setAttribute('visibility', 'visible');
    const found = lines.map((line) => [line, line.y[line.x.indexOf(x)]]).filter(([, y]) => known(y));
    found.sort((a, b) => b[1] - a[1]);
    dots.replaceChildren(...found.map(([line, y]) => draw('circle', { class: `dot c${line.kind % 7}`, cx: px(x), cy: py(y), r: 2.6 })));
    tip.replaceChildren(el('div', { class: 'quiet' }, `${xTitle} ${short(x)}`), ...found.slice(0, 14).map(([line, y]) =>
      el('div', null, el('span', { class: `key c${line.kind % 7}` }, line.name + (line.soft ? ' (soft)' : '')), el('b', null, fixed(y)))));
    tip.hidden = false;
    const share = (px(x) / WIDTH) * figure.clientWidth;
    tip.style.left = `${Math.max(0, share > figure.clientWidth / 2 ? share - tip.offsetWidth - 10 : share + 10)}px`;
    tip.style.top = '2.2rem';
  };
  image.addEventListener('pointermove', (event) => {
    const box = image.getBoundingClientRect();
    const x = x0 + (((event.clientX - box.left) / box.width) * WIDTH - LEFT) / (WIDTH - LEFT - RIGHT) * (x1 - x0);
    read(grid.reduce((best, own, i) => (Math.abs(own - x) < Math.abs(grid[best] - x) ? i : best), 0));
  });
  image.addEventListener('pointerleave', leave);
  image.addEventListener('blur', leave);
  image.addEventListener('keydown', (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (event.key === 'Escape') leave();
    if (!step) return;
    event.preventDefault();
    read(at < 0 ? 0 : at + step * Math.max(1, Math.round(grid.length / 50)));
  });
}

// A difference with its interval, on one scale for all rows of a column.
function interval({ diff, dlow, dhigh }, reach, found) {
  const at = (value) => 46 + (Math.min(Math.max(value / reach, -1), 1) * 42);
  const label = known(dlow) ? `95 % interval ${signed(dlow)} to ${signed(dhigh)}` : 'no interval';
  return draw('svg', { class: `bar-cell interval${found ? ' found' : ''}`, width: 92, height: 14, viewBox: '0 0 92 14', role: 'img', 'aria-label': label },
    draw('title', null, label), draw('line', { class: 'zero', x1: 46, x2: 46, y1: 0, y2: 14 }),
    known(dlow) ? draw('line', { x1: at(dlow), x2: at(dhigh), y1: 7, y2: 7 }) : null, draw('circle', { cx: at(diff), cy: 7, r: 2.8 }));
}
