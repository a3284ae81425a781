import { stripVTControlCharacters } from "node:util"
import type { LogEntry } from "@maxcloud/sdk/api"
import { type Level, levels, makeLevels } from "./level.ts"

export interface LogFilter {
  /** Only lines with this literal text. */
  readonly grep: string | undefined
  /** Only lines of this level and above. */
  readonly level: Level | undefined
}

/** A stateful predicate for the matching lines. Call it with every line, in order. */
export const makeFilter = ({ grep, level }: LogFilter): ((entry: LogEntry) => boolean) => {
  const levelOf = makeLevels()
  const least = level === undefined ? 0 : levels.indexOf(level)
  return (entry) => {
    const grave = level === undefined || levels.indexOf(levelOf(entry)) >= least
    return grave && (grep === undefined || stripVTControlCharacters(entry.line).includes(grep))
  }
}
