"""A bounded subset of FHIRPath: filters on the items of a list, without data in error texts."""

from group_gateway.fhir_graphql.fhirpath.expressions import compile_expression, compile_path
from group_gateway.fhir_graphql.fhirpath.steps import StepBudget

__all__ = ["StepBudget", "compile_expression", "compile_path"]
