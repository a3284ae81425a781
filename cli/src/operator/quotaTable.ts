import type { OrganizationQuotas } from "@maxcloud/server"
import { integerBytes } from "../output/format.ts"
import { printTable, type Terminal } from "../output/terminal.ts"

const cpu = (milli: number) => String(milli / 1000)

/** One row per organization, with usage and quotas. `*` marks quotas that were set for that organization. */
export const printQuotas = (all: ReadonlyArray<OrganizationQuotas>, terminal: Terminal) => {
  printTable(
    ["ORGANIZATION", "SERVICES", "INSTANCES", "VCPU", "MEMORY", "DEPLOYMENTS AN HOUR", "SOURCES", "LOGS", "STREAMS"],
    all.map(({ organization, own, quotas, use }) => {
      const most = (name: keyof typeof quotas, text: (amount: number) => string) => {
        const amount = quotas[name]
        return `${amount === null ? "no limit" : text(amount)}${own[name] === null ? "" : "*"}`
      }
      const cell = (name: keyof typeof use, text: (amount: number) => string) =>
        `${text(use[name])} of ${most(name, text)}`
      return [
        organization.name,
        cell("services", String),
        cell("instances", String),
        cell("cpuMilli", cpu),
        cell("memoryBytes", integerBytes),
        cell("deploymentsPerHour", String),
        cell("sourceBytes", integerBytes),
        // Only a running server knows the current value.
        most("logBytes", integerBytes),
        most("streams", String)
      ]
    }),
    terminal
  )
}
