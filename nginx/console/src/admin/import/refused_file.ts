// The refused rows as a file that can be corrected and imported again: the lines of the original with the reason behind them.

import type { Plan, RefusedRow } from './upload';

const BYTES_MAX = 50_000_000; // a larger file is not read again; its refused rows are only listed

/** Returns: a CSV file in UTF-8. Of JSON lines, or a file that cannot be read here, it has line, field and reason only. */
export async function refusedFile(file: File, plan: Plan | null, rows: readonly RefusedRow[]): Promise<string> {
  const { separator = null, header_line = null } = plan ?? {};
  if (!plan || separator === null || header_line === null) return listed(rows);
  const lines = await linesOf(file, plan).catch(() => null);
  if (!lines) return listed(rows);
  const reasons = new Map<number, string[]>();
  for (const { line, reason } of rows) reasons.set(line, [...(reasons.get(line) ?? []), reason]);
  const record = (line: number, last: string): string => recordAt(lines, line) + separator + cell(last, separator);
  const sorted = [...reasons].sort(([one], [other]) => one - other);
  return [record(header_line, 'reason'), ...sorted.map(([line, why]) => record(line, why.join(' ')))].join('\r\n') + '\r\n';
}

function listed(rows: readonly RefusedRow[]): string {
  const records = rows.map(({ line, field, reason }) => [String(line), field, reason].map((text) => cell(text, ',')).join(','));
  return ['line,field,reason', ...records].join('\r\n') + '\r\n';
}

async function linesOf(file: File, { encoding, compressed }: Plan): Promise<string[] | null> {
  if (file.size > BYTES_MAX) return null;
  const stream = compressed ? file.stream().pipeThrough(new DecompressionStream('gzip')) : file.stream();
  const bytes = await new Response(stream).arrayBuffer();
  if (bytes.byteLength > BYTES_MAX) return null;
  return new TextDecoder(encoding).decode(bytes).split(/\r\n|\n|\r/);
}

/** Returns: the record that begins on a line, the first being 1; a field in quotes can have line ends. */
function recordAt(lines: readonly string[], line: number): string {
  let record = lines[line - 1] ?? '';
  for (let next = line; (record.split('"').length - 1) % 2 === 1 && next < lines.length; next += 1) record += `\n${lines[next]}`;
  return record;
}

function cell(text: string, separator: string): string {
  const safe = /^[=+\-@\t\r\n]/.test(text) ? `'${text}` : text; // a spreadsheet would run it as a formula
  return safe.includes(separator) || /["\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
