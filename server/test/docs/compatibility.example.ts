import { createClient } from "@maxcloud/sdk"

const client = createClient()
for (const { name, status } of await client.services.list()) {
  switch (status.state) {
    case "ready":
    case "idle":
      console.log(`${name} serves`)
      break
    case "failed":
      console.error(`${name}: ${status.diagnosis?.message}`)
      break
    default:
      console.log(`${name}: ${status.state}`) // also a state that this version doesn't know
  }
}
