/** The first line with bytes that aren't UTF-8, and whether the text looks like UTF-16. */
export interface NotUtf8 {
  readonly line: number
  readonly isUtf16: boolean
}

const decoder = () => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

const isText = (bytes: Uint8Array): boolean => {
  try {
    decoder().decode(bytes)
    return true
  } catch {
    return false
  }
}

const wrongLine = (bytes: Uint8Array): number => {
  let line = 1
  for (let start = 0; start <= bytes.length; line++) {
    const newline = bytes.indexOf(10, start)
    const end = newline === -1 ? bytes.length : newline
    if (!isText(bytes.subarray(start, end))) return line
    start = end + 1
  }
  return line
}

/**
 * Decodes UTF-8 exactly, including a byte order mark. Node's own conversion replaces every invalid byte with U+FFFD, so that a
 * password would be stored as another one. Use it for all bytes from outside whose text is processed.
 */
export const decodeUtf8 = (bytes: Uint8Array): { readonly text: string } | { readonly fault: NotUtf8 } => {
  try {
    return { text: decoder().decode(bytes) }
  } catch {
    const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)
    return { fault: { line: isUtf16 ? 1 : wrongLine(bytes), isUtf16 } }
  }
}

/**
 * A document of JSON, YAML or the like without its byte order mark: RFC 8259 (8.1) and YAML 1.2 (5.2) let parsers ignore one, and some
 * editors write it.
 */
export const withoutByteOrderMark = (text: string): string => (text.startsWith("\uFEFF") ? text.slice(1) : text)

/** How to fix it. */
export const utf8Fix = ({ isUtf16 }: NotUtf8): string =>
  `convert it: iconv -f ${isUtf16 ? "utf-16" : "latin1"} -t utf-8; encode binary data, for example with base64`
