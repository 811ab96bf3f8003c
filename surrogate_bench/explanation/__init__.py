"""Why a hard metric gives no gradient, and what each relaxation does about it, on ten examples."""
