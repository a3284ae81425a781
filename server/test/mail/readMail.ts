/** A mail as tests read it: header fields by lower-case name, and the text as written. */
export interface ReadMail {
  readonly headers: ReadonlyMap<string, string>
  readonly text: string
}

/** RFC 2047, 2: `=?charset?B|Q?…?=`; white space between two of them isn't part of the text. */
const decodeWords = (value: string) =>
  value
    .replace(/(=\?[^?]+\?[BQ]\?[^?]*\?=)\s+(?==\?)/gi, "$1")
    .replace(/=\?[^?]+\?([BQ])\?([^?]*)\?=/gi, (_, encoding: string, text: string) =>
      encoding.toUpperCase() === "B"
        ? Buffer.from(text, "base64").toString("utf8")
        : quotedPrintable(text.replaceAll("_", " "))
    )

/** RFC 2045, 6.7. */
const quotedPrintable = (text: string) =>
  Buffer.from(
    text
      .replace(/[ \t]*=\r?\n/g, "")
      .replace(/=([0-9A-F]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16))),
    "latin1"
  ).toString("utf8")

/** Reads a single-part mail (RFC 5322). */
export const readMail = (raw: string): ReadMail => {
  const [head = "", ...rest] = raw.split(/\r?\n\r?\n/)
  const body = rest.join("\r\n\r\n")
  const headers = new Map(
    head
      .replace(/\r?\n(?=[ \t])/g, "")
      .split(/\r?\n/)
      .map((line) => {
        const at = line.indexOf(":")
        return [line.slice(0, at).toLowerCase(), decodeWords(line.slice(at + 1).trim())] as const
      })
  )
  const encoding = headers.get("content-transfer-encoding")?.toLowerCase()
  const text =
    encoding === "base64"
      ? Buffer.from(body, "base64").toString("utf8")
      : encoding === "quoted-printable"
        ? quotedPrintable(body)
        : body
  return { headers, text: text.replaceAll("\r\n", "\n") }
}
