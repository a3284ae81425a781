import { Effect } from "effect"
import { connect } from "../client.ts"
import { command, noFlags, noPositionals } from "../command.ts"
import { integerBytes } from "../output/format.ts"
import { comes, printTable } from "../output/terminal.ts"

const cpus = (milli: number) => `${milli / 1000} vCPU`

export default command({
  summary: "Show quotas and usage",
  examples: [{ line: "maxcloud org show", does: "Show quotas and usage" }],
  flags: noFlags,
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      const organization = yield* (yield* connect(input)).organization.get
      if (terminal.json) return terminal.printJson({ organization })
      const { deleteAfter, displayName, name, quotas, use } = organization
      const row = (what: string, used: number | null, most: number | null, text: (_: number) => string = String) => [
        what,
        used === null ? "not counted" : text(used),
        most === null ? "no limit" : text(most)
      ]
      printTable(
        [displayName === null ? name : `${displayName} (${name})`, "USED", "QUOTA"],
        [
          row("services", use.services, quotas.services),
          row("instances", use.instances, quotas.instances),
          row("cpu", use.cpuMilli, quotas.cpuMilli, cpus),
          row("memory", use.memoryBytes, quotas.memoryBytes, integerBytes),
          row("deployments an hour", use.deploymentsPerHour, quotas.deploymentsPerHour),
          row("source snapshots", use.sourceBytes, quotas.sourceBytes, integerBytes),
          row("logs (the oldest are deleted first)", use.logBytes, quotas.logBytes, integerBytes),
          row("open streams", use.streams, quotas.streams)
        ],
        terminal
      )
      if (deleteAfter !== null) {
        terminal.say(
          `it will be erased ${comes(deleteAfter, Date.now())} (${deleteAfter}): \`maxcloud org keep\` cancels that`
        )
      }
    })
})
