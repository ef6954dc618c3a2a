"""Names of the query DSL of OpenSearch 3.6: those of its sources (SearchModule,
SearchSourceBuilder, its modules, k-NN and neural-search).
"""

QUERIES = (
    "agentic bool boosting combined_fields common constant_score dis_max distance_feature exists"
    " field_masking_span function_score fuzzy geo_bounding_box geo_distance geo_polygon geo_shape"
    " has_child has_parent hybrid ids intervals knn match match_all match_bool_prefix match_none"
    " match_phrase match_phrase_prefix more_like_this multi_match nested neural neural_knn"
    " neural_sparse parent_id percolate prefix query_string range rank_feature regexp script"
    " script_score simple_query_string span_containing span_field_masking span_first span_gap"
    " span_multi span_near span_not span_or span_term span_within template term terms terms_set"
    " wildcard wrapper".split()
)
AGGREGATIONS = (
    "adjacency_matrix auto_date_histogram avg avg_bucket bucket_script bucket_selector"
    " bucket_sort cardinality children composite cumulative_sum date_histogram date_range"
    " derivative diversified_sampler extended_stats extended_stats_bucket filter filters"
    " geo_bounds geo_centroid geo_distance geohash_grid geotile_grid global histogram ip_range"
    " matrix_stats max max_bucket median_absolute_deviation min min_bucket missing moving_avg"
    " moving_fn multi_terms nested parent percentile_ranks percentiles percentiles_bucket range"
    " rare_terms reverse_nested sampler scripted_metric serial_diff significant_terms"
    " significant_text stats stats_bucket sum sum_bucket terms top_hits value_count"
    " variable_width_histogram weighted_avg".split()
)
KEYS = (
    "_source aggregations aggs collapse derived docvalue_fields explain ext fields from highlight"
    " include_named_queries_score indices_boost min_score pit post_filter profile query rescore"
    " script_fields search_after search_pipeline seq_no_primary_term size slice sort stats"
    " stored_fields suggest terminate_after timeout track_scores track_total_hits"
    " verbose_pipeline version".split()
)
