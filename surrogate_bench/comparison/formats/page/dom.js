// Elements are made of nodes and text alone: no string of the data is ever read as markup.
const SVG = 'http://www.w3.org/2000/svg';

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== ''));
  return node;
}

const el = (tag, attributes, ...children) => filled(document.createElement(tag), attributes, children);
const draw = (tag, attributes, ...children) => filled(document.createElementNS(SVG, tag), attributes, children);

const known = (value) => value !== null && value !== undefined && value !== '';
// There is no minus 0: what a number is to the digits shown has the sign.
const fixed = (value, digits = 3) => (known(value) ? (Number(value.toFixed(digits)) || 0).toFixed(digits).replace('-', '−') : '–');
const signed = (value) => (known(value) && Number(value.toFixed(3)) > 0 ? '+' : '') + fixed(value);
const short = (value) => (known(value) ? String(Number(value.toPrecision(3))).replace('-', '−') : '–');
const plural = (count, noun) => `${count} ${noun}${count === 1 ? '' : 's'}`;
// A text as the number that it shows, if it shows one; a dash shows that there is none.
function numeric(text) {
  if (!known(text) || text === '–') return null;
  const number = Number(text.replace('−', '-').replace('<', ''));
  return Number.isNaN(number) ? text : number;
}
const distinct = (values) => [...new Set(values)];

function select(label, options, change, now) {
  const own = el('select', { 'aria-label': label, onchange: () => change(own.value) });
  own.append(...options.map(([value, text]) => el('option', { value, selected: value === now }, text)));
  return own;
}

function choice(label, options, change, now = options[0][0]) {
  const buttons = options.map(([value, text]) =>
    el('button', { type: 'button', 'aria-pressed': String(value === now), onclick: (event) => {
      for (const button of buttons) button.setAttribute('aria-pressed', String(button === event.currentTarget));
      change(value);
    } }, text));
  return el('span', { class: 'choice', role: 'group', 'aria-label': label }, ...buttons);
}
