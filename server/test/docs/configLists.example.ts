import { defineConfig, service } from "@maxcloud/sdk/config"

export default defineConfig(({ stage }) => {
  const isProduction = stage === "production"
  const worker = service("worker", { source: "./worker", visibility: "internal" })
  const web = service("web", {
    source: "./web",
    links: [isProduction && worker],
    args: ["--port", !isProduction && "--debug"]
  })
  return { app: "shop", services: [web, isProduction && worker] }
})
