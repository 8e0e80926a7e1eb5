// The stream of snapshots: what all viewers see alike. It reconnects by itself, and pauses while
// the page is hidden: browsers allow six connections to one host, and a stream takes one.

const boot = document.querySelector('meta[name=board-boot]').content;

/** Calls onSnapshot with every snapshot, and onLost when the board stops answering. */
export function watchStage(onSnapshot, onLost) {
  let source = null;

  function open() {
    source = new EventSource('/board/events');
    source.onmessage = ({ data }) => {
      const snapshot = JSON.parse(data);
      // Another process answers now: its token is not ours.
      if (snapshot.boot !== boot) location.reload();
      else onSnapshot(snapshot);
    };
    source.onerror = () => {
      onLost();
      // The browser retries a broken stream by itself, but not one that was refused.
      if (source?.readyState === EventSource.CLOSED) setTimeout(reopen, 2000);
    };
  }

  function reopen() {
    source?.close();
    source = null;
    if (!document.hidden) open();
  }

  document.addEventListener('visibilitychange', reopen);
  reopen();
}
