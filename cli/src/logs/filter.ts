import { stripVTControlCharacters } from "node:util"
import type { LogEntry } from "@maxcloud/sdk/api"
import { type Level, levels, makeLevels } from "./level.ts"

export interface LogFilter {
  /** Lines that have this text, as it is written: no pattern. */
  readonly grep: string | undefined
  /** Lines of this level and of graver ones. */
  readonly level: Level | undefined
}

/** True for each line that is wanted; to be asked of all lines, in their order. */
export const makeFilter = ({ grep, level }: LogFilter): ((entry: LogEntry) => boolean) => {
  const levelOf = makeLevels()
  const least = level === undefined ? 0 : levels.indexOf(level)
  return (entry) => {
    const grave = level === undefined || levels.indexOf(levelOf(entry)) >= least
    return grave && (grep === undefined || stripVTControlCharacters(entry.line).includes(grep))
  }
}
