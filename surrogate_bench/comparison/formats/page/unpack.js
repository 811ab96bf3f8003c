// The data of a large page are gzip in base64: a fifth of the bytes, unpacked by the browser in a part of a second.
function unpacked(text) {
  if (!globalThis.DecompressionStream) {
    document.getElementById('main').append(el('p', null, 'This browser is too old to unpack the data of this page (it was made before 2023).'));
  }
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).json();
}
