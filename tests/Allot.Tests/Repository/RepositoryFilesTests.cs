namespace Allot.Tests.Repository;

public sealed class RepositoryFilesTests
{
    [Fact]
    public void The_repository_is_found_and_build_output_is_no_part_of_it()
    {
        Assert.Contains("src/Allot/Groups/MemoryGroup.cs", RepositoryFiles.All);
        Assert.DoesNotContain(RepositoryFiles.All, path => path.Contains("/obj/", StringComparison.Ordinal));
        Assert.DoesNotContain(RepositoryFiles.All, path => path.StartsWith("artifacts", StringComparison.Ordinal));
    }
}
