/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * podlane drops: every dropped packet has a reason, and the account of all packets: what came in and
 * what was made here is what was sent, punted, dropped and taken.
 */
#include <string.h>
#include <unistd.h>

#include "tools/podlane/command.h"
#include "tools/podlane/facts.h"
#include "tools/podlane/table.h"

#define N_READINGS     5u
#define READING_GAP_US 100000u

struct account {
	uint64_t in, made, sent, punted, dropped, taken, by_reason;
};

static struct account add_up(const struct dp_records *records)
{
	struct account sum = {0};
	size_t n;
	const struct wire_lcore_stats *lcore = dp_records_items(records, WIRE_LCORE_STATS, &n);
	const struct wire_drop_stats *drop;

	for (size_t i = 0; i < n; i++) {
		sum.in += lcore[i].rx_pkts;
		sum.sent += lcore[i].tx_pkts;
		sum.punted += lcore[i].punt_pkts;
		sum.dropped += lcore[i].drop_pkts;
		sum.made += lcore[i].made_pkts;
		sum.taken += lcore[i].taken_pkts;
	}
	drop = dp_records_items(records, WIRE_DROP_STATS, &n);
	for (size_t i = 0; i < n; i++)
		sum.by_reason += drop[i].pkts;
	return sum;
}

static int64_t difference(const struct account *sum)
{
	return (int64_t)(sum->in + sum->made - sum->sent - sum->punted - sum->dropped - sum->taken);
}

static bool is_balanced(const struct account *sum)
{
	return difference(sum) == 0 && sum->by_reason == sum->dropped;
}

static json_t *account_json(const struct account *sum)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "in", (json_int_t)sum->in,
		"made", (json_int_t)sum->made, "sent", (json_int_t)sum->sent, "punted",
		(json_int_t)sum->punted, "dropped", (json_int_t)sum->dropped, "taken",
		(json_int_t)sum->taken, "dropped_by_reason", (json_int_t)sum->by_reason,
		"difference", (json_int_t)difference(sum), "ok", is_balanced(sum));
}

static json_t *reasons_json(const struct dp_records *records)
{
	size_t n;
	const struct wire_drop_stats *drop = dp_records_items(records, WIRE_DROP_STATS, &n);
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list,
			json_pack("{s:o, s:I, s:o}", "reason",
				facts_name(drop[i].reason, sizeof(drop[i].reason)), "pkts",
				(json_int_t)drop[i].pkts, "help",
				facts_name(drop[i].help, sizeof(drop[i].help))));
	return list;
}

static json_t *punts_json(const struct dp_records *records)
{
	size_t n;
	const struct wire_punt_stats *punt = dp_records_items(records, WIRE_PUNT_STATS, &n);
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list,
			json_pack("{s:o, s:I, s:I, s:I, s:I}", "class",
				facts_name(punt[i].class, sizeof(punt[i].class)), "given_pkts",
				(json_int_t)punt[i].given_pkts, "full_pkts",
				(json_int_t)punt[i].full_pkts, "policed_pkts",
				(json_int_t)punt[i].policed_pkts, "error_pkts",
				(json_int_t)punt[i].error_pkts));
	return list;
}

void drops_gather(struct context *context, const char *arg)
{
	struct dp_records records = {0};
	struct account sum;

	(void)arg;
	// workers count while we read: packets between two counters are no error until they stay
	for (unsigned i = 0; i < N_READINGS; i++) {
		dp_records_free(&records);
		if (!context_ask_dp(context, WIRE_STATS, NULL, &records))
			goto out;
		sum = add_up(&records);
		if (is_balanced(&sum))
			break;
		usleep(READING_GAP_US);
	}
	json_object_set_new(context->doc, "drops", reasons_json(&records));
	json_object_set_new(context->doc, "punts", punts_json(&records));
	json_object_set_new(context->doc, "account", account_json(&sum));
out:
	dp_records_free(&records);
}

static void print_reasons(const json_t *drops, const struct options *options)
{
	static const char *const titles[] = {">PACKETS", "REASON", "MEANING", NULL};
	struct table *table = NULL;
	json_t *drop;
	size_t i;

	json_array_foreach(drops, i, drop)
	{
		const json_t *pkts = json_object_get(drop, "pkts");

		if (json_integer_value(pkts) == 0 && !options->is_all)
			continue;
		if (table == NULL)
			table = table_new(titles);
		table_count(table, pkts);
		table_string(table, json_object_get(drop, "reason"));
		table_string(table, json_object_get(drop, "help"));
	}
	if (table != NULL)
		table_print(table, stdout);
	else
		printf("0 packets dropped, for any of %zu reasons (--all lists them).\n",
			json_array_size(drops));
}

static bool is_zero(const json_t *punt)
{
	return json_integer_value(json_object_get(punt, "given_pkts")) == 0 &&
	       json_integer_value(json_object_get(punt, "full_pkts")) == 0 &&
	       json_integer_value(json_object_get(punt, "policed_pkts")) == 0 &&
	       json_integer_value(json_object_get(punt, "error_pkts")) == 0;
}

static void print_punts(const json_t *punts, const struct options *options)
{
	static const char *const titles[] = {">PUNTED", ">POLICED", ">FULL", ">ERROR", "CLASS",
		NULL};
	struct table *table = NULL;
	json_t *punt;
	size_t i;

	json_array_foreach(punts, i, punt)
	{
		if (is_zero(punt) && !options->is_all)
			continue;
		if (table == NULL)
			table = table_new(titles);
		table_count(table, json_object_get(punt, "given_pkts"));
		table_count(table, json_object_get(punt, "policed_pkts"));
		table_count(table, json_object_get(punt, "full_pkts"));
		table_count(table, json_object_get(punt, "error_pkts"));
		table_string(table, json_object_get(punt, "class"));
	}
	if (table == NULL)
		return;
	puts("");
	table_print(table, stdout);
}

static const char *count_of(const json_t *account, const char *key, char text[TEXT_BYTES])
{
	return text_count((uint64_t)json_integer_value(json_object_get(account, key)), text);
}

void drops_print(const json_t *doc, const struct options *options)
{
	const json_t *account = json_object_get(doc, "account");
	char in[TEXT_BYTES], sent[TEXT_BYTES], punted[TEXT_BYTES], dropped[TEXT_BYTES];
	char made[TEXT_BYTES], taken[TEXT_BYTES];
	json_int_t off = json_integer_value(json_object_get(account, "difference"));

	if (account == NULL)
		return;
	print_reasons(json_object_get(doc, "drops"), options);
	print_punts(json_object_get(doc, "punts"), options);
	puts("");
	printf("in %s + made %s = sent %s + punted %s + dropped %s + taken %s",
		count_of(account, "in", in), count_of(account, "made", made),
		count_of(account, "sent", sent), count_of(account, "punted", punted),
		count_of(account, "dropped", dropped), count_of(account, "taken", taken));
	if (json_is_true(json_object_get(account, "ok")))
		puts("   ok");
	else if (off != 0)
		printf("\noff by %" JSON_INTEGER_FORMAT
		       ", also after %u readings: packets on their way, or a mistake if it grows\n",
			off, N_READINGS);
	else
		printf("\nthe reasons add up to %s only\n",
			count_of(account, "dropped_by_reason", in));
}
