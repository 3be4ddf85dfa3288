"""Choice of the next chunk: every seed once, by the shares, and a seed that kills its workers alone."""

from stateful.campaign.plan import CampaignPlan, SeedRange, Seeds


def all_parts(plan: CampaignPlan) -> list[SeedRange]:
    return list(iter(plan.next, None))


def test_every_seed_is_leased_once() -> None:
    plan = CampaignPlan({"one": Seeds(1, 3, 10), "two": Seeds(1, 0, 2)}, 3)
    parts = all_parts(plan)
    assert parts == [SeedRange("one", 3, 3), SeedRange("two", 0, 2), SeedRange("one", 6, 3), SeedRange("one", 9, 1)]
    assert plan.next() is None


def test_what_is_not_done_when_a_chunk_ends_is_free_again() -> None:
    plan = CampaignPlan({"one": Seeds(1, 0, 6)}, 6)
    part = plan.next()
    assert part == SeedRange("one", 0, 6)
    assert [plan.enter("one", seed, 1.0) for seed in (0, 1, 3, 3)] == [True, True, True, False]
    plan.release(part)
    assert all_parts(plan) == [SeedRange("one", 2, 1), SeedRange("one", 4, 2)]


def test_the_time_is_shared_by_the_shares() -> None:
    plan = CampaignPlan({"one": Seeds(3, 0, None), "two": Seeds(1, 0, None)}, 1)
    had = {"one": 0, "two": 0}
    for _ in range(40):
        part = plan.next()
        assert part is not None
        plan.enter(part.source, part.first, 1.0)
        plan.release(part)
        had[part.source] += 1
    assert had == {"one": 30, "two": 10}


def test_a_seed_whose_worker_died_is_tried_alone() -> None:
    plan = CampaignPlan({"one": Seeds(1, 0, 8)}, 4)
    part = plan.next()
    assert part == SeedRange("one", 0, 4)
    plan.enter("one", 0, 1.0)
    plan.release(part)
    assert plan.died(part) == 1
    assert all_parts(plan) == [SeedRange("one", 1, 1), SeedRange("one", 2, 4), SeedRange("one", 6, 2)]
    assert plan.deaths == {("one", 1): 1}


def test_a_worker_that_dies_after_its_last_seed_accuses_none() -> None:
    plan = CampaignPlan({"one": Seeds(1, 0, 2)}, 4)
    part = plan.next()
    assert part is not None
    for seed in part.seeds:
        plan.enter("one", seed, 1.0)
    assert plan.died(part) is None
