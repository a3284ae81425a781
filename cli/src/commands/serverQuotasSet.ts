import { Effect } from "effect"
import { required, text } from "../args/flags.ts"
import { command, flags, positionals } from "../command.ts"
import { UsageError } from "../errors/failure.ts"
import { dataDirFlag, operate, operatorNote, placeOf } from "../operator/operator.ts"
import { printQuotas } from "../operator/quotaTable.ts"

export default command({
  summary: "Set quotas of an organization",
  offline: true,
  examples: [
    {
      line: "maxcloud server quotas set acme --services 50 --cpu 16 --memory 64Gi --instances 100",
      does: "Limit acme's services, at their maximum scale"
    },
    { line: "maxcloud server quotas set acme --deployments-per-hour 60", does: "Change one quota; the others stay" }
  ],
  notes: [
    operatorNote,
    "Takes effect immediately, also on running servers. An organization that is already over its quota can shrink but not grow.",
    "Every change has an entry in the organization's audit log."
  ],
  flags: flags({
    services: text("services", "N", { description: "Services, across all apps and stages" }),
    instances: text("instances", "N", { description: "Instances of all services at maximum scale" }),
    cpu: text("cpu", "VCPUS", { description: "vCPUs of these instances, such as 16 or 0.5" }),
    memory: text("memory", "SIZE", { description: "Memory of these instances, such as 64Gi" }),
    deployments: text("deployments-per-hour", "N", { description: "Deployments per hour" }),
    sources: text("sources", "SIZE", { description: "Size of stored source snapshots on a server, such as 5Gi" }),
    logs: text("logs", "SIZE", { description: "Size of stored log lines, such as 5Gi; the oldest are deleted first" }),
    streams: text("streams", "N", { description: "Streams (logs, events, exports) open at once on a server" }),
    dataDir: dataDirFlag
  }),
  positionals: positionals({ organization: required("ORGANIZATION", "Its name or id") }),
  run: ({ cpu, dataDir, deployments, instances, logs, memory, organization, services, sources, streams }, terminal) =>
    Effect.gen(function* () {
      const given = {
        services,
        instances,
        cpuMilli: cpu,
        memoryBytes: memory,
        deploymentsPerHour: deployments,
        sourceBytes: sources,
        logBytes: logs,
        streams
      }
      const quotas: Partial<Record<keyof typeof given, string>> = Object.fromEntries(
        Object.entries(given).filter(([, value]) => value !== undefined)
      )
      if (Object.keys(quotas).length === 0) {
        return yield* new UsageError({
          message: "no quota given",
          fix: "name one or more: --services, --instances, --cpu, --memory, --deployments-per-hour, --sources, --logs, --streams"
        })
      }
      const set = yield* operate((one) => one.setQuotas({ ...placeOf(dataDir), organization, quotas }), organization)
      if (terminal.json) return terminal.printJson(set)
      printQuotas([set], terminal)
    })
})
