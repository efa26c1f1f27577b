package gql

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"docket/internal/booking"
	"docket/internal/planner"
	"docket/internal/scalar"
)

// telling answers extensions.cost to a request that has "cost": true among its
// extensions.
func telling(limit int) graphql.ResponseMiddleware {
	return func(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
		response := next(ctx)
		if response == nil || !graphql.HasOperationContext(ctx) {
			return response
		}
		oc := graphql.GetOperationContext(ctx)
		cost, known := planner.CostOf(oc)
		if !known || oc.Extensions["cost"] != true {
			return response
		}
		if response.Extensions == nil {
			response.Extensions = map[string]any{}
		}
		response.Extensions["cost"] = map[string]any{
			"requested": cost.Total(), "limit": limit,
			"rows": cost.Rows, "values": cost.Values, "conditions": cost.Conditions, "writes": cost.Writes,
		}
		return response
	}
}

// opened is how many slots an input of appointmentBulkCreate may open. What is
// wrong with it is told when it is executed.
func opened(rules booking.Rules) planner.Writes {
	return func(input map[string]any) int {
		start, err := scalar.UnmarshalTime(input["startTime"])
		if err != nil {
			return 1
		}
		end, err := scalar.UnmarshalTime(input["endTime"])
		if err != nil {
			return 1
		}
		return int(min(end.Sub(start), booking.MaxRange) / rules.SlotLength)
	}
}
