import { readFile } from "node:fs/promises"
import { decodeUtf8, type NotUtf8, utf8Fix, withoutByteOrderMark } from "@maxcloud/config-schema/plain"
import type { ConfigIssue } from "./errors.ts"

/** A file's text without a byte order mark; undefined if the file can't be read or isn't UTF-8. */
export const utf8Text = async (file: string): Promise<string | undefined> => {
  const decoded = await readFile(file).then(decodeUtf8, () => undefined)
  return decoded !== undefined && "text" in decoded ? withoutByteOrderMark(decoded.text) : undefined
}

/** The mistake of a file of a config that isn't UTF-8. */
export const utf8IssueOf = (file: string, fault: NotUtf8): ConfigIssue => ({
  path: "",
  message: `this ${fault.isUtf16 ? "is UTF-16" : "isn't UTF-8"}: ${utf8Fix(fault)}`,
  file,
  ...(fault.isUtf16 ? {} : { line: fault.line, column: 1 })
})

/** The same for a file; undefined if it's UTF-8, or can't be read. */
export const utf8IssueIn = async (file: string): Promise<ConfigIssue | undefined> => {
  const decoded = await readFile(file).then(decodeUtf8, () => undefined)
  return decoded !== undefined && "fault" in decoded ? utf8IssueOf(file, decoded.fault) : undefined
}
