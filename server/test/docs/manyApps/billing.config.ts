// billing/maxcloud.config.ts
import { defineConfig, service } from "@maxcloud/sdk/config"

const api = service("api", { source: "./api", visibility: "internal" })
export default defineConfig({ app: "billing", services: [api], exports: { api: { to: ["shop"] } } })
