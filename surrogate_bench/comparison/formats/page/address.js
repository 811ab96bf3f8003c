// What a reader chose (sort, filter, view) is kept in the address behind the section: #results?sort=f1&text=soft.
const [, wanted] = location.hash.slice(1).split('?');
const chosen = new URLSearchParams(wanted || '');

function keep(key, value) {
  if (known(value) && value !== false) chosen.set(key, String(value));
  else chosen.delete(key);
  const query = chosen.toString();
  const [section] = location.hash.slice(1).split('?');
  // A browser may refuse a page on the disk its own address; then the choice lasts as long as the page.
  try { history.replaceState(null, '', `#${section}${query ? `?${query}` : ''}`); } catch { /* nothing is lost */ }
}

const slug = (title) => title.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '');

// What is drawn on the way to a section gets its height only then, and moves the section on.
function arrive(left = 20) {
  const [section] = location.hash.slice(1).split('?');
  const target = section && document.getElementById(section);
  if (!target) return;
  target.scrollIntoView();
  const before = scrollY;
  requestAnimationFrame(() => { if (left && (left > 18 || scrollY !== before || Math.abs(target.getBoundingClientRect().top) > 2)) arrive(left - 1); });
}
