import type { QuotaName } from "@maxcloud/server"
import { Effect } from "effect"
import { command, flags, positionals } from "../command.ts"
import { required, toggle } from "../flags.ts"
import { dataDirFlag, operate, operatorNote, placeOf } from "../operator.ts"
import { printQuotas } from "../quotaTable.ts"

export default command({
  summary: "Reset an organization to the server's default quotas",
  offline: true,
  examples: [
    { line: "maxcloud server quotas unset acme", does: "the server's defaults hold again, for all" },
    { line: "maxcloud server quotas unset acme --memory", does: "for memory only" }
  ],
  notes: [
    operatorNote,
    "The defaults are MAXCLOUD_QUOTA_… of the servers. Every change has an entry in the organization's audit log."
  ],
  flags: flags({
    services: toggle("services", { description: "Unset that of services" }),
    instances: toggle("instances", { description: "Unset that of instances" }),
    cpu: toggle("cpu", { description: "Unset that of vCPUs" }),
    memory: toggle("memory", { description: "Unset that of memory" }),
    deployments: toggle("deployments-per-hour", { description: "Unset that of deployments in an hour" }),
    sources: toggle("sources", { description: "Unset that of source snapshots" }),
    logs: toggle("logs", { description: "Unset that of log lines" }),
    streams: toggle("streams", { description: "Unset that of open streams" }),
    dataDir: dataDirFlag
  }),
  positionals: positionals({ organization: required("ORGANIZATION", "Its name or id") }),
  run: ({ cpu, dataDir, deployments, instances, logs, memory, organization, services, sources, streams }, terminal) =>
    Effect.gen(function* () {
      const quotas: ReadonlyArray<QuotaName> = [
        ...(services ? (["services"] as const) : []),
        ...(instances ? (["instances"] as const) : []),
        ...(cpu ? (["cpuMilli"] as const) : []),
        ...(memory ? (["memoryBytes"] as const) : []),
        ...(deployments ? (["deploymentsPerHour"] as const) : []),
        ...(sources ? (["sourceBytes"] as const) : []),
        ...(logs ? (["logBytes"] as const) : []),
        ...(streams ? (["streams"] as const) : [])
      ]
      const unset = yield* operate(
        (one) => one.unsetQuotas({ ...placeOf(dataDir), organization, quotas }),
        organization
      )
      if (terminal.json) return terminal.printJson(unset)
      printQuotas([unset], terminal)
    })
})
