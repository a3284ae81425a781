import { policy } from "@maxcloud/sdk/config"

export const teamOwnsPublic = policy("team-owns-public", ({ services }) =>
  services
    .filter((service) => service.visibility === "public" && service.labels["team"] === undefined)
    .map((service) => ({
      service: service.name,
      field: "labels",
      message: 'A public service needs a label with its team. Add labels: { team: "…" }.'
    }))
)
