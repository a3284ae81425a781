// server.ts, the service itself
import { readEnv } from "@maxcloud/sdk/env"
import { env } from "./env.ts"

const { DATABASE_URL, RATE } = readEnv(env) // DATABASE_URL is a string, RATE a number
console.log(`${RATE} a second from ${new URL(DATABASE_URL).host}`)
