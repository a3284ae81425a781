import type { SourceReport } from "@maxcloud/sdk/effect"
import type { Terminal } from "../output/terminal.ts"

const shownAtMost = 10

const listed = (names: ReadonlyArray<string>): string => {
  const more = names.length - shownAtMost
  return more > 0 ? `${names.slice(0, shownAtMost).join(", ")} and ${more} more` : names.join(", ")
}

/** Prints what was cut from a workspace, and which secret files were left out. */
export const tellSources =
  (terminal: Terminal) =>
  (sources: ReadonlyArray<SourceReport>): void => {
    if (terminal.json) return
    for (const { cut, folder, leftOut, services } of sources) {
      const whose = services.join(", ")
      if (cut !== undefined) {
        const others = cut.with.length === 0 ? "nothing else" : `its ${listed(cut.with)}`
        terminal.say(`source of ${whose}: ${cut.package} of the workspace ${folder}, with ${others}`)
      }
      if (leftOut.length > 0) {
        terminal.say(
          `${terminal.paintError("yellow", "left out")} of the source of ${whose}, as secret: ${listed(leftOut)} (to send a file, re-include it in .gitignore or .dockerignore: !${leftOut[0]?.split(" ")[0]?.split("/").at(-1)})`
        )
      }
    }
  }
