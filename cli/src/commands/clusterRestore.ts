import type { RestoreProgress } from "@maxcloud/server"
import { Effect } from "effect"
import { toggle } from "../args/flags.ts"
import { command, flags, noPositionals } from "../command.ts"
import { ExitWith } from "../errors/failure.ts"
import { dataDirFlag, operate, operatorNote, placeOf } from "../operator/operator.ts"

const counted = (count: number, name: string) => `${count} ${name}${count === 1 ? "" : "s"}`

export default command({
  summary: "Restore what the cluster has lost, from the database",
  offline: true,
  examples: [
    {
      line: "maxcloud cluster restore",
      does: "Check every stage of every app, and restore lost namespaces and services"
    },
    { line: "maxcloud cluster restore --wait", does: "The same, and show the progress until everything is restored" },
    { line: "maxcloud cluster restore --json", does: "The same, with the number of stages as JSON" }
  ],
  notes: [
    operatorNote,
    "For a new cluster, run `maxcloud cluster install` first and start the server with its kubeconfig. A server also restores by itself what it sees disappear, and everything when it starts.",
    "Services without instances come back at zero. The others start a few at a time, and deployments go first. Meanwhile `maxcloud list` shows `restoring`.",
    "--wait needs a running server. It ends with exit code 8 if nothing has changed for ten minutes. The server goes on."
  ],
  flags: flags({
    dataDir: dataDirFlag,
    wait: toggle("wait", { description: "Show the progress, and wait until everything is restored" })
  }),
  positionals: noPositionals,
  run: ({ dataDir, wait }, terminal) =>
    Effect.gen(function* () {
      const onProgress = ({ services, stages }: RestoreProgress) =>
        terminal.say(`${counted(stages, "stage")} to check, ${counted(services, "service")} restoring`)
      const restore = yield* operate((one) => one.restore({ ...placeOf(dataDir), ...(wait ? { onProgress } : {}) }))
      if (terminal.json) terminal.printJson(restore)
      if (restore.left !== undefined) {
        const { services, stages } = restore.left
        if (stages + services === 0) return terminal.say(`restored: ${counted(restore.stages, "stage")} checked`)
        terminal.say("Nothing has changed for ten minutes. A running server goes on: `maxcloud list` shows it.")
        return yield* new ExitWith({ exit: 8 })
      }
      if (terminal.json) return
      terminal.say(
        restore.stages === 0
          ? "nothing is deployed"
          : `the server checks ${counted(restore.stages, "stage")} of apps, and restores what the cluster has lost: \`maxcloud list\` shows it`
      )
    })
})
