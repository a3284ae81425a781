import type { WebhookDelivery, WebhookInfo } from "@maxcloud/sdk/api"
import { required } from "../args/flags.ts"
import { printable } from "./format.ts"
import { age, printTable, type Terminal } from "./terminal.ts"

export const webhookId = required("WEBHOOK", "Its id, from `maxcloud webhooks list`")

const states: Readonly<Record<string, "green" | "red" | "yellow">> = {
  enabled: "green",
  delivered: "green",
  pending: "yellow",
  disabled: "red",
  failed: "red"
}
const painted = (terminal: Terminal, state: string) => terminal.paint(states[state] ?? "dim", state)

export const printWebhooks = (webhooks: ReadonlyArray<WebhookInfo>, terminal: Terminal): void => {
  const now = Date.now()
  printTable(
    ["ID", "STATE", "TYPES", "URL", ""],
    webhooks.map((webhook) => [
      webhook.id,
      painted(terminal, webhook.state),
      webhook.types.join(","),
      printable(webhook.url),
      webhook.disabledBecause !== null
        ? `by ${webhook.disabledBecause === "member" ? "a member" : webhook.disabledBecause}`
        : webhook.failingSince === null
          ? printable(webhook.description ?? "")
          : `failing since ${age(webhook.failingSince, now)}`
    ]),
    terminal
  )
}

export const printDeliveries = (deliveries: ReadonlyArray<WebhookDelivery>, terminal: Terminal): void => {
  const now = Date.now()
  printTable(
    ["ID", "STATE", "TYPE", "TRIES", "STATUS", "QUEUED", ""],
    deliveries.map((delivery) => [
      delivery.id,
      painted(terminal, delivery.state),
      delivery.type,
      String(delivery.attempts),
      delivery.lastStatus === null ? "-" : String(delivery.lastStatus),
      age(delivery.createdAt, now),
      printable(delivery.lastError ?? "")
    ]),
    terminal
  )
}
