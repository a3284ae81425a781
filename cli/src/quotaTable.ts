import type { OrganizationQuotas } from "@maxcloud/server"
import { integerBytes } from "./format.ts"
import { printTable, type Terminal } from "./terminal.ts"

const gibi = 1024 ** 3
const memory = (bytes: number) =>
  bytes >= gibi ? `${Math.round((bytes / gibi) * 100) / 100} GiB` : integerBytes(bytes)
const cpu = (milli: number) => String(milli / 1000)

/** One row for each organization: what it has of what it may; `*` marks what was set for itself. */
export const printQuotas = (all: ReadonlyArray<OrganizationQuotas>, terminal: Terminal) => {
  printTable(
    ["ORGANIZATION", "SERVICES", "INSTANCES", "VCPU", "MEMORY", "DEPLOYMENTS AN HOUR", "SOURCES"],
    all.map(({ organization, own, quotas, use }) => {
      const cell = (name: keyof typeof quotas, text: (amount: number) => string) => {
        const most = quotas[name]
        return `${text(use[name])} of ${most === null ? "no limit" : text(most)}${own[name] === null ? "" : "*"}`
      }
      return [
        organization.name,
        cell("services", String),
        cell("instances", String),
        cell("cpuMilli", cpu),
        cell("memoryBytes", memory),
        cell("deploymentsPerHour", String),
        cell("sourceBytes", memory)
      ]
    }),
    terminal
  )
}
