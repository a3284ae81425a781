import { Transform } from "node:stream"
import { starterName } from "./starter/startFile.ts"

/** Longer than any line of the starter. */
const longest = 10_000

/**
 * Passes output on, with another first line if the image's starter has written it: that is an internal name. `renamed` returns the
 * line to show, or undefined to keep it. Only holds bytes back that may be the start of such a line.
 */
export const renamedFirstLine = (renamed: (line: string) => string | undefined): Transform => {
  const prefix = Buffer.from(starterName)
  let held: Buffer | undefined = Buffer.alloc(0)
  return new Transform({
    transform(chunk: Buffer, _, done) {
      if (held === undefined) return done(null, chunk)
      const all = Buffer.concat([held, chunk])
      const compared = Math.min(all.length, prefix.length)
      const mayBe = all.subarray(0, compared).equals(prefix.subarray(0, compared))
      const end = all.indexOf("\n")
      if (mayBe && end === -1 && all.length < longest) {
        held = all
        return done()
      }
      held = undefined
      if (!mayBe || end === -1) return done(null, all)
      const line = all.subarray(0, end).toString("utf8")
      const lineEnd = line.endsWith("\r") ? "\r\n" : "\n"
      const shown = renamed(line.trimEnd())
      done(null, shown === undefined ? all : Buffer.concat([Buffer.from(`${shown}${lineEnd}`), all.subarray(end + 1)]))
    },
    flush(done) {
      done(null, held)
    }
  })
}
