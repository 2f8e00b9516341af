// The style sheet of a part of the console that is loaded when it is first opened.

/** Adds a style sheet to the page. Returns when it is in force. Throws: Error when it cannot be read. */
export function loadStyle(address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const link = document.createElement('link');
    link.rel = 'stylesheet';
    link.href = address;
    link.onload = () => resolve();
    link.onerror = () => {
      link.remove();
      reject(new Error(`no style sheet at ${address}`));
    };
    document.head.append(link);
  });
}
