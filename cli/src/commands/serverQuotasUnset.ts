import type { QuotaName } from "@maxcloud/server"
import { Effect } from "effect"
import { required, toggle } from "../args/flags.ts"
import { command, flags, positionals } from "../command.ts"
import { dataDirFlag, operate, operatorNote, placeOf } from "../operator/operator.ts"
import { printQuotas } from "../operator/quotaTable.ts"

export default command({
  summary: "Reset an organization to the server's default quotas",
  offline: true,
  examples: [
    { line: "maxcloud server quotas unset acme", does: "Reset all quotas" },
    { line: "maxcloud server quotas unset acme --memory", does: "Reset the memory quota" }
  ],
  notes: [
    operatorNote,
    "The defaults are MAXCLOUD_QUOTA_… of the servers. Every change has an entry in the organization's audit log."
  ],
  flags: flags({
    services: toggle("services", { description: "Reset the quota of services" }),
    instances: toggle("instances", { description: "Reset the quota of instances" }),
    cpu: toggle("cpu", { description: "Reset the quota of vCPUs" }),
    memory: toggle("memory", { description: "Reset the quota of memory" }),
    deployments: toggle("deployments-per-hour", { description: "Reset the quota of deployments per hour" }),
    sources: toggle("sources", { description: "Reset the quota of source snapshots" }),
    logs: toggle("logs", { description: "Reset the quota of log lines" }),
    streams: toggle("streams", { description: "Reset the quota of open streams" }),
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
