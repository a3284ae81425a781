import { defineConfig, maxMemory, noLatest, noPublic, policy, service, warn } from "@maxcloud/sdk/config"

const fewServices = policy(
  "few-services",
  ({ services }) => services.length > 5 && "The app has more than 5 services. Split it."
)

export default defineConfig(({ stage }) => ({
  app: "shop",
  services: [
    service("web", { image: "ghcr.io/acme/web:1.4", memory: "512Mi" }),
    service("worker", { image: "ghcr.io/acme/worker:1.4", visibility: "internal" })
  ],
  policies: [noLatest, maxMemory("1Gi"), fewServices, stage === "production" ? noPublic("web") : warn(noPublic("web"))]
}))
