// maxcloud.config.ts
import { defineConfig, service } from "@maxcloud/sdk/config"
import { env } from "./env.ts"

export default defineConfig(() => {
  const api = service("api", { image: "registry.example.com/shop/api:1" })
  const web = service("web", { source: ".", env: env.with({ MODE: "safe", API: api.url }) })
  return { app: "shop", services: [api, web] }
})
