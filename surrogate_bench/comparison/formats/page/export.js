// What a table shows, in its order and as it is filtered, as a file: CSV for other programs, LaTeX for a paper.
const FORMULA = /^\s*[=+@\-]|^[\t\r\n]/;

function csvCell(value) {
  const text = !known(value) ? '' : typeof value === 'string' && FORMULA.test(value) && Number.isNaN(Number(value)) ? `'${value}` : String(value);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const heading = (column) => [column.group, column.title].filter(Boolean).join(' ');

function asCsv(columns, rows) {
  return [columns.map(heading), ...rows.map((row) => columns.map((column) => column.value(row)))]
    .map((line) => line.map(csvCell).join(',')).join('\n') + '\n';
}

const TEX = { '\\': '\\textbackslash{}', '~': '\\textasciitilde{}', '^': '\\textasciicircum{}', '<': '\\textless{}', '>': '\\textgreater{}',
  '|': '\\textbar{}', '"': '\\textquotedbl{}', '±': '$\\pm$', '−': '$-$', '–': '--', '▲': '$\\uparrow$', '▼': '$\\downarrow$', '●': '$\\bullet$', '×': '$\\times$', '…': '\\dots{}', '[': '{[}', ']': '{]}', '*': '{*}' };
const tex = (text) => [...text].map((c) => TEX[c] ?? ('&%$#_{}'.includes(c) ? `\\${c}` : c)).join('');

function asLatex(caption, columns, rows) {
  const cell = (column, row) => {
    const shown = column.show ? column.show(row) : String(column.value(row) ?? '');
    const text = tex((shown instanceof Node ? shown.textContent : String(shown)).trim());
    return shown instanceof Node && shown.querySelector('b') ? text.replace(/^\S+/, (own) => `\\textbf{${own}}`) : text;
  };
  const lines = rows.map((row) => `    ${columns.map((column) => cell(column, row)).join(' & ')} \\\\`);
  return ['% needs \\usepackage{booktabs}', `% ${data.made}`, '\\begin{table}', '  \\centering', `  \\caption{${tex(caption)}}`, `  \\label{tab:${slug(caption)}}`,
    `  \\begin{tabular}{${columns.map((column) => (column.number ? 'r' : 'l')).join('')}}`, '    \\toprule',
    `    ${columns.map((column) => tex(heading(column))).join(' & ')} \\\\`, '    \\midrule', ...lines, '    \\bottomrule', '  \\end{tabular}', '\\end{table}', ''].join('\n');
}

function save(name, type, text) {
  const link = el('a', { href: URL.createObjectURL(new Blob([text], { type })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function exports(caption, columns, rows) {
  const own = columns.filter((column) => column.title);
  const button = (label, make) => el('button', { type: 'button', title: `Save these rows as ${label}`, onclick: make }, label);
  return el('span', { class: 'choice files' },
    button('CSV', () => save(`${slug(caption)}.csv`, 'text/csv', asCsv(own, rows()))),
    button('LaTeX', () => save(`${slug(caption)}.tex`, 'application/x-tex', asLatex(caption, own, rows()))));
}
