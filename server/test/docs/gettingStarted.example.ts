import { defineConfig, secret, service, text } from "@maxcloud/sdk/config"

export default defineConfig(({ stage }) => {
  const password = secret("DB_PASSWORD")
  const api = service("api", {
    source: "./api",
    visibility: "internal",
    env: { DATABASE_URL: text`postgres://app:${password}@db.example.com/${stage}` },
    probes: { readiness: { path: "/healthz" } },
    scale: { min: 0, max: 5, concurrency: 20 }
  })
  const web = service("web", { source: "./web", env: { API_URL: api.url } })
  return { app: "shop", services: [api, web] }
})
