import { stripVTControlCharacters } from "node:util"

/**
 * Messages of shells, exec callers and the dynamic loader about a program or library for another processor or system. A shell
 * that takes such a program for a script quotes its first bytes.
 */
const signs: ReadonlyArray<RegExp> = [
  /exec format error/i,
  /\bENOEXEC\b/,
  /cannot execute binary file/i,
  /wrong ELF class|invalid ELF header/i,
  /\bELF\b[^\n]{0,200}(?:not found|syntax error)/i,
  /mach-o, but wrong architecture|incompatible architecture \(have/i
]

const mostLines = 60
const lookedOfLine = 500

/** The line in a program's last output that says a program or library is built for another kind of machine. */
export const foreignProgramIn = (output: string): string | undefined =>
  stripVTControlCharacters(output)
    .split("\n")
    .slice(-mostLines)
    .map((line) => line.slice(0, lookedOfLine))
    .find((line) => signs.some((sign) => sign.test(line)))
    ?.replace(/\p{Cc}/gu, "")
    .trim()
