import { defineConfig, service } from "@maxcloud/sdk/config"

export default defineConfig(({ stage, organization, runtime, git }) => ({
  app: "shop",
  services: [
    service("web", {
      source: "./web",
      env: { COMMIT: git?.commit ?? "unknown", PLACE: `${organization} on ${runtime}` }
    }),
    stage === "production" && service("reports", { source: "./reports", visibility: "internal" })
  ]
}))
