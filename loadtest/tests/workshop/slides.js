
const slides = [...document.querySelectorAll('section')];
const on = ['ArrowRight', 'ArrowDown', 'PageDown', ' '];
const back = ['ArrowLeft', 'ArrowUp', 'PageUp'];
document.addEventListener('keydown', (event) => {
  const step = on.includes(event.key) ? 1 : back.includes(event.key) ? -1 : 0;
  if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  const tops = slides.map((slide) => Math.abs(slide.getBoundingClientRect().top));
  const now = tops.indexOf(Math.min(...tops));
  slides[Math.min(Math.max(now + step, 0), slides.length - 1)].scrollIntoView();
});
