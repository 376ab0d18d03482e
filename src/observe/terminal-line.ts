// One line of the log for a person: time, level, message, then fields as name=value.

const levelColours: Readonly<Record<string, string>> = {
  debug: '\u001b[90m',
  info: '\u001b[32m',
  warn: '\u001b[33m',
  error: '\u001b[31m',
}

/** @param json a line of pino's */
export function terminalLine(json: string, colours: boolean): string {
  const { level, time, msg, error, ...fields } = JSON.parse(json) as Record<string, unknown>
  const name = String(level)
  const colour = colours ? (levelColours[name] ?? '') : ''
  const grey = colours ? '\u001b[90m' : ''
  const plain = colours ? '\u001b[0m' : ''
  let line = `${grey}${localTime(String(time))}${plain} ${colour}${name.padEnd(5)}${plain} ${visible(String(msg ?? ''))}`
  for (const [key, value] of Object.entries(fields)) line += ` ${grey}${visible(key)}=${plain}${shown(value)}`
  if (error !== undefined) line += errorLines(error)
  return `${line}\n`
}

function localTime(iso: string): string {
  const at = new Date(iso)
  const two = (value: number) => String(value).padStart(2, '0')
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, '0')}`
}

function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return /^[^\s"=]+$/.test(text) || typeof value !== 'string' ? visible(text) : visible(JSON.stringify(text))
}

function errorLines(error: unknown): string {
  const { stack, message } = error as { stack?: string; message?: string }
  const text = typeof error === 'string' ? error : (stack ?? message ?? JSON.stringify(error))
  return text
    .split('\n')
    .map((line) => `\n    ${visible(line.trimEnd())}`)
    .join('')
}

/** What a stranger put into a field must not steer the terminal, nor look like a line of ours. */
function visible(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}
