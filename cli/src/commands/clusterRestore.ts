import { Effect } from "effect"
import { command, flags, noPositionals } from "../command.ts"
import { dataDirFlag, operate, operatorNote, placeOf } from "../operator/operator.ts"

export default command({
  summary: "Restore what the cluster has lost, from the database",
  offline: true,
  examples: [
    {
      line: "maxcloud cluster restore",
      does: "Check every stage of every app, and restore lost namespaces and services"
    },
    { line: "maxcloud cluster restore --json", does: "The same, with the number of stages as JSON" }
  ],
  notes: [
    operatorNote,
    "For a new cluster, run `maxcloud cluster install` first and start the server with its kubeconfig. A server also restores by itself what it sees disappear, and everything when it starts.",
    "Services without instances come back at zero. The others start a few at a time, and deployments go first. Meanwhile `maxcloud list` shows `restoring`."
  ],
  flags: flags({ dataDir: dataDirFlag }),
  positionals: noPositionals,
  run: ({ dataDir }, terminal) =>
    Effect.gen(function* () {
      const restore = yield* operate((one) => one.restore(placeOf(dataDir)))
      if (terminal.json) return terminal.printJson(restore)
      terminal.say(
        restore.stages === 0
          ? "nothing is deployed"
          : `the server checks ${restore.stages} ${restore.stages === 1 ? "stage" : "stages"} of apps, and restores what the cluster has lost: \`maxcloud list\` shows it`
      )
    })
})
